"""What stands beside the heads: it reads several streams or several heads' outputs at once."""
