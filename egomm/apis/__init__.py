"""What a user calls. Importing this package is cheap; its parts import what they need."""
