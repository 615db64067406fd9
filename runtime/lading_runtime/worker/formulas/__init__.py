"""What scikit-learn's estimators compute, without what they do around it."""
