"""What is asked: target, loss, prediction, statistics and figures of merit, one question a file."""
