// go_http: Go's net/http as a peer.
//
//	go_http serve         prints `http=URL https=URL cert=FILE`, and serves until its standard input ends
//	go_http ask URL       asks a server of ours, which has the same places; exits with 1 where an answer is wrong
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"time"
)

func sum(data []byte) string {
	h := fnv.New64a()
	h.Write(data)
	return fmt.Sprintf("%016x", h.Sum64())
}

func pattern(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte('a' + (i/7+i)%26)
	}
	return data
}

func places() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s %s", r.Method, r.Proto)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Write(body)
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", sum(body))
		w.Header().Set(http.TrailerPrefix+"X-Asked", r.Trailer.Get("X-Asked"))
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "late")
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", Path: "/"})
		http.Redirect(w, r, "/cookie", http.StatusFound)
	})
	mux.HandleFunc("/cookie", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("seen"); err == nil {
			io.WriteString(w, "seen "+c.Value+" from "+r.Referer())
		}
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			io.WriteString(w, "not asked for")
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(pattern(300_000))
		z.Close()
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "only this")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})
	return mux
}

func serve() error {
	plain := httptest.NewServer(places())
	defer plain.Close()
	secret := httptest.NewTLSServer(places())
	defer secret.Close()
	file, err := os.CreateTemp("", "go_http-*.pem")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: secret.Certificate().Raw}); err != nil {
		return err
	}
	file.Close()
	fmt.Printf("http=%s https=%s cert=%s\n", plain.URL, secret.URL, file.Name())
	io.Copy(io.Discard, os.Stdin)
	plain.CloseClientConnections()
	secret.CloseClientConnections()
	return nil
}

var bad bool

func expect(good bool, what string, got ...any) {
	if !good {
		bad = true
		fmt.Println("not ok:", what, got)
	}
}

func ask(client *http.Client, r *http.Request) (*http.Response, string) {
	resp, err := client.Do(r)
	if err != nil {
		expect(false, r.URL.Path, err)
		return &http.Response{}, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	expect(err == nil, r.URL.Path, err)
	return resp, string(body)
}

func request(method, url string, body io.Reader) *http.Request {
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		panic(err)
	}
	return r
}

func askAll(url string) {
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	reused := 0
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if i.Reused {
			reused++
		}
	}}
	traced := httptrace.WithClientTrace(context.Background(), trace)
	for i := 0; i < 10; i++ {
		_, body := ask(client, request("GET", url+"/hello", nil).WithContext(traced))
		expect(body == "hello GET HTTP/1.1", "hello", body)
	}
	expect(reused == 9, "connections are kept", reused)
	for _, size := range []int{0, 1, 2048, 2049, 1_000_000} {
		all := pattern(size)
		for _, counted := range []bool{true, false} {
			var from io.Reader = bytes.NewReader(all)
			if !counted {
				from = io.MultiReader(from)
			}
			r := request("POST", url+"/echo", from)
			if !counted {
				r.Trailer = http.Header{"X-Asked": {"by Go"}}
			}
			resp, body := ask(client, r)
			expect(body == string(all), "echo", size, counted, len(body))
			expect(resp.Trailer.Get("X-Sum") == sum(all), "the trailer", resp.Trailer)
			expect(counted || resp.Trailer.Get("X-Asked") == "by Go", "the request's trailer", resp.Trailer)
		}
	}
	hints := ""
	early := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints += fmt.Sprint(code, " ", h.Get("Link"))
		return nil
	}}
	_, body := ask(client, request("GET", url+"/early", nil).WithContext(httptrace.WithClientTrace(context.Background(), early)))
	expect(body == "late" && hints == "103 </style.css>", "early hints", body, hints)
	_, body = ask(client, request("GET", url+"/redirect", nil))
	expect(body == "seen yes from "+url+"/redirect", "redirect and cookie", body)
	resp, err := client.Get(url + "/cut")
	if err != nil {
		expect(false, "cut", err)
	} else {
		part, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		expect(string(part) == "only this" && errors.Is(err, io.ErrUnexpectedEOF), "a cut body", string(part), err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = client.Do(request("GET", url+"/slow", nil).WithContext(ctx))
	expect(errors.Is(err, context.DeadlineExceeded), "slow", err)
	client.CloseIdleConnections()
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		if err := serve(); err != nil {
			fmt.Println("not ok:", err)
			os.Exit(1)
		}
	case len(os.Args) == 3 && os.Args[1] == "ask":
		askAll(os.Args[2])
		if bad {
			os.Exit(1)
		}
		fmt.Println("ok")
	default:
		fmt.Println("usage: go_http serve | go_http ask URL")
		os.Exit(2)
	}
}
