# Bob's machine.
{ zramSwap.memoryPercent = 100; }
