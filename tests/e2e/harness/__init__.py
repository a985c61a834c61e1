"""What the end-to-end tests are built from: namespaces, processes, captures, peers and the guard."""
