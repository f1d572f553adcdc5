"""Who fits whom, and why: the estimator, how it is measured, and its commands."""
