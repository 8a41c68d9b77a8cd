"""What is read out of deposits, one physical step per file, in the order that physics happens.

Every step has an expectation, a pure torch function that is differentiable in every physical constant, and where nature
throws dice a sampled version of it that takes a generator.
"""
