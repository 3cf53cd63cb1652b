class Box:
    class Lid:
        kind = "lid"

    def __init__(self):
        self.lid = self.Lid()
