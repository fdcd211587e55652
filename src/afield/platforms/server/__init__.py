"""A server of models by the Open Inference Protocol, and the platform that writes its folder."""
