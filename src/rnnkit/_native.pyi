"""The compiled module (csrc/); it is not there where rnnkit was installed without a compiler."""

from typing import TypedDict

from typing_extensions import CapsuleType

class Info(TypedDict):
    isa: str
    why: str
    isas: list[str]
    compiler: str
    build: str

def info() -> Info: ...

class Call:
    """One layer in one direction: addresses of tensors, 0 for none; strides in elements."""

    def __init__(
        self,
        is_double: bool,
        cell: int,
        reverse: bool,
        threads: int,
        B: int,
        T: int,
        I: int,
        H: int,
        x_row: int,
        x_step: int,
        y_row: int,
        y_step: int,
        x: int,
        tokens: int,
        table: int,
        w_ih: int,
        w_hh: int,
        b_ih: int,
        b_hh: int,
        h0: int,
        c0: int,
        dropout: int,
        begin: int,
        end: int,
        mask: int,
        y: int,
        saved: int,
        saved_c: int,
        /,
    ) -> None: ...

def forward(call: Call, h_last: int, c_last: int, /) -> None: ...
def backward(
    call: Call,
    dy: int,
    dy_row: int,
    dy_step: int,
    dh_last: int,
    dc_last: int,
    dx: int,
    dx_row: int,
    dx_step: int,
    dw_ih: int,
    dw_hh: int,
    db_ih: int,
    db_hh: int,
    dh0: int,
    dc0: int,
    ddropout: int,
    /,
) -> None: ...
def empty(is_double: bool, shape: tuple[int, ...], /) -> CapsuleType: ...
def block_sizes() -> tuple[int, int, int]: ...
def adopt(start: int, size: int, number: int, /) -> None: ...
def sigmoid(is_double: bool, source: int, target: int, count: int, /) -> None: ...
def tanh(is_double: bool, source: int, target: int, count: int, /) -> None: ...
