"""From the mesh's picture to view models: plain functions, the only place that knows both."""
