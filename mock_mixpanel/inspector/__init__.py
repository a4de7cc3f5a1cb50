"""The web page of the mock, under `/_mock/ui/`: views of the control API's responses."""
