"""The web page on the mock, under `/_mock/ui/`: pure views of what the control API answers."""
