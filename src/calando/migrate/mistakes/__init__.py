"""What ports and training scripts get wrong: one file per kind of mistake, each rule a function of the project."""
