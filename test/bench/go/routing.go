package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
)

var routingRows = []row{
	{"http_mux_300", "ns/request", 3_000_000, 30_000, mux300},
}

type ask struct{ method, target string }

// 300 patterns as a service has them: 25 things, each with 12 calls. Both sides have the same.
func fill(mux *http.ServeMux, h http.HandlerFunc) []ask {
	things := strings.Fields(`users accounts orders invoices payments refunds products prices carts customers groups
		roles sessions tokens events alerts reports documents images comments tags projects tasks teams subscriptions`)
	calls := [][3]string{
		{"GET", "", ""},
		{"POST", "", ""},
		{"GET", "/{id}", "/8f14e45f"},
		{"PUT", "/{id}", "/8f14e45f"},
		{"DELETE", "/{id}", "/8f14e45f"},
		{"GET", "/{id}/history", "/8f14e45f/history"},
		{"GET", "/{id}/parts/{part}", "/8f14e45f/parts/17"},
		{"PUT", "/{id}/parts/{part}", "/8f14e45f/parts/17"},
		{"POST", "/{id}/archive", "/8f14e45f/archive"},
		{"GET", "/search/{$}", "/search/"},
		{"GET", "-export/{path...}", "-export/2024/02/all.csv"},
		{"GET", "-by-name/{first}/{last}", "-by-name/ada/lovelace"},
	}
	var asks []ask
	for _, thing := range things {
		for _, c := range calls {
			base := "/api/v1/" + thing
			mux.Handle(c[0]+" "+base+c[1], h)
			asks = append(asks, ask{c[0], base + c[2]})
		}
	}
	return asks
}

// By the CPU's time, the collector's too.
func mux300(count int) (float64, string) {
	mux := http.NewServeMux()
	bytes := 0
	asks := fill(mux, func(_ http.ResponseWriter, r *http.Request) { bytes += len(r.PathValue("id")) })
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	start := cpuMilliseconds()
	for i := range count {
		a := &asks[i*7%len(asks)]
		r.Method, r.URL.Path = a.method, a.target
		mux.ServeHTTP(w, r)
	}
	milliseconds := cpuMilliseconds() - start
	if w.Code != http.StatusOK || w.Body.Len() != 0 || bytes == 0 {
		panic("a request was not matched")
	}
	return milliseconds * 1e6 / float64(count), ""
}
