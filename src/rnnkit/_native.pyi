"""The compiled module (csrc/); it is not there where rnnkit was installed without a compiler."""

from typing import TypedDict

class Info(TypedDict):
    isa: str
    why: str
    isas: list[str]
    compiler: str
    build: str

def info() -> Info: ...
