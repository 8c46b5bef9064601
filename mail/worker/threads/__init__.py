"""The threads of a mail worker, by what they do. `turns` is the loop of each."""
