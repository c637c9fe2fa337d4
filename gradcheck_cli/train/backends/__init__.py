"""What runs a program: NumPy, generated C, the tape."""
