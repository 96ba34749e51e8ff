"""Cases with known answers, asked of models side by side and graded by code."""
