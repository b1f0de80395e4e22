"""What the scripts of a project say: names, values and where they go, loops and how often they turn."""
