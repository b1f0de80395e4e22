"""Rules on whole arrays: they multiply matrices or take means, and have no kernel."""
