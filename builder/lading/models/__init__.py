"""Where models come from: folders, tracking servers, databases and file stores, storage behind URLs."""
