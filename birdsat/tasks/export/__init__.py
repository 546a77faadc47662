"""What a run or a range model says of its input, as files that need no birdsat: ONNX, or torch's own format."""
