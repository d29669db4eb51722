"""Pure functions on torch and NumPy, one topic a file; they import nothing else of egomm."""
