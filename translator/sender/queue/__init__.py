"""The queue between translation and dispatch: operations, checked and in the form that is sent."""
