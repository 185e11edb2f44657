"""The whole job, from the command to the scored table, by this project and by what its users would write instead."""
