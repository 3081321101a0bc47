package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func nanosecondsSince(start time.Time) float64  { return float64(time.Since(start).Nanoseconds()) }
func millisecondsSince(start time.Time) float64 { return nanosecondsSince(start) / 1e6 }

// User and system time of the whole process so far.
func cpuMilliseconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e6
}

// Resident memory and page tables of this process.
func memoryBytes() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	kib := 0
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "VmPTE:") {
			n, err := strconv.Atoi(strings.Fields(line)[1])
			if err != nil {
				panic(err)
			}
			kib += n
		}
	}
	return float64(kib) * 1024
}

func spinFor(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

var sink uint64

// A chain of multiplications, each of which needs the one before.
//
//go:noinline
func chain(steps int) uint64 {
	x := uint64(1)
	for range steps {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

func stepsIn200us() int {
	const trial = 1_000_000
	var took []float64
	for range 25 {
		start := time.Now()
		sink = chain(trial)
		took = append(took, nanosecondsSince(start))
	}
	return int(200e3 * trial / quantile(took, 0.5))
}

func quantile(samples []float64, p float64) float64 {
	slices.Sort(samples)
	return samples[int(float64(len(samples)-1)*p+0.5)]
}
