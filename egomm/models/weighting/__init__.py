"""How much each task counts in what is minimised."""
