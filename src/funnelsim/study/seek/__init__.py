"""seek: how much of something a goal takes, and the chance as things are."""
