"""Getting a text ready to be spoken, and times of its words out of what an engine reports."""
