"""Captures of the classic integrations: do the observed rules send the same?"""
