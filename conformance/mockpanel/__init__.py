"""The one command `mockpanel`: every command of the three packages under one name."""
