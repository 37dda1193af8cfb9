// Downloads the program from the release's assets.
