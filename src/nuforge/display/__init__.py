"""What people look at: event displays, plots and the HTML report."""
