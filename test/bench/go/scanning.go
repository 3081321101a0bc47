package main

import (
	"bufio"
	"bytes"
	"os"
)

var scanningRows = []row{
	{"scan_lines", "MB/s", 1_613_000, 50_000, scanLines},
}

// Lines as a server logs them: of 20 to 104 bytes, 62 on average, with their end. Both sides write the same.
func lines(n int) []byte {
	var text bytes.Buffer
	for i := range n {
		text.Write(bytes.Repeat([]byte{byte('a' + i%26)}, 19+i*37%85))
		text.WriteByte('\n')
	}
	return text.Bytes()
}

// By the CPU's time, since nothing waits here: other processes do not change it.
func scanLines(count int) (float64, string) {
	text := lines(count)
	f := must(os.CreateTemp("", "bench-lines-"))
	defer f.Close()
	os.Remove(f.Name())
	must(f.Write(text))
	must(f.Seek(0, 0))
	s := bufio.NewScanner(f)
	seen, all := 0, 0
	start := cpuMilliseconds()
	for s.Scan() {
		seen++
		all += len(s.Bytes()) + 1
	}
	milliseconds := cpuMilliseconds() - start
	if s.Err() != nil || seen != count || all != len(text) {
		panic("lines were lost")
	}
	return float64(all) / 1e3 / milliseconds, ""
}
