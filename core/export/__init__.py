"""Networks for other runtimes: MindIR as MindSpore exports it, and ONNX, into which MindIR is translated here."""
