"""The operating-system plug-in of gossamer_lldb.py: shows lldb the fibers that it has chosen, as threads. A file of its
own, since lldb loads it anew each time.
"""

import struct

import gossamer_lldb as fibers

# name, number in DWARF and in .eh_frame, lldb's generic name
REGISTERS = [
    ("rax", 0, None), ("rbx", 3, None), ("rcx", 2, None), ("rdx", 1, None), ("rdi", 5, None), ("rsi", 4, None),
    ("rbp", 6, "fp"), ("rsp", 7, "sp"), ("r8", 8, None), ("r9", 9, None), ("r10", 10, None), ("r11", 11, None),
    ("r12", 12, None), ("r13", 13, None), ("r14", 14, None), ("r15", 15, None), ("rip", 16, "pc"),
]


class OperatingSystemPlugIn:
    """What lldb asks which threads there are besides the kernel's."""

    def __init__(self, process):
        self.registers = None

    def get_thread_info(self):
        return [
            {"tid": fibers.FIRST_TID + f.id, "name": f"fiber {f.id}", "queue": f.status, "state": "stopped",
             "stop_reason": "none"}
            for f in fibers.seated
        ]

    def get_register_info(self):
        if self.registers is None:
            described = []
            for i, (name, number, generic) in enumerate(REGISTERS):
                r = {"name": name, "bitsize": 64, "offset": 8 * i, "encoding": "uint", "format": "hex", "set": 0,
                     "gcc": number, "ehframe": number, "dwarf": number}
                if generic:
                    r["generic"] = generic
                described.append(r)
            self.registers = {"sets": ["GPR"], "registers": described}
        return self.registers

    def get_register_data(self, tid):
        for f in fibers.seated:
            if tid == fibers.FIRST_TID + f.id:
                values = f.registers
                return struct.pack(f"<{len(REGISTERS)}Q", *(values.get(name, 0) for name, _, _ in REGISTERS))
        return None
