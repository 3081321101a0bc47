// The Go side of test/bench: the same work under the same names as the C++ side.
// usage: micro-go ROW WORKERS [SIZE]; prints ROW WORKERS VALUE UNIT [KEY=VALUE...]
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
)

type row struct {
	name    string
	unit    string
	size    int // of the measured pass
	warm    int // of the pass before it, which is not measured; 0: the row warms itself
	measure func(size int) (value float64, extra string)
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: micro-go ROW WORKERS [SIZE]")
	os.Exit(2)
}

func positive(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		usage()
	}
	return n
}

func find(name string) row {
	for _, rows := range [][]row{switchingRows, channelRows, selectingRows, lockRows, sharedRows, sleepRows, groupingRows, socketRows, memoryRows, parallelRows, scanningRows, routingRows} {
		for _, r := range rows {
			if r.name == name {
				return r
			}
		}
	}
	usage()
	return row{}
}

func main() {
	if len(os.Args) != 3 && len(os.Args) != 4 {
		usage()
	}
	r := find(os.Args[1])
	workers := positive(os.Args[2])
	size := r.size
	if len(os.Args) == 4 {
		size = positive(os.Args[3])
	}
	runtime.GOMAXPROCS(workers)
	if r.warm != 0 {
		r.measure(min(r.warm, size))
	}
	value, extra := r.measure(size)
	fmt.Printf("%s %d %.5g %s %s\n", r.name, workers, value, r.unit, extra)
}
