"""Operations of S3 that moto answers differently for unusual keys, on moto's buckets."""
