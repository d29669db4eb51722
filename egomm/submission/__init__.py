"""What an entrant of a challenge needs: result files, late fusion, submissions and their check.

Importing this, or any file here, does not load torch.
"""
