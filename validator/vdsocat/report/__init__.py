"""Drawing results: the matrix on a terminal, JSON, and the Markdown compliance report."""
