"""An example part: numbers as their rank among the training values."""
