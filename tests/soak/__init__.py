"""A week with everything going wrong: the whole program on a faster clock, judged by books that are not its own."""
