// pprof_style: how the page /debug/fibers looks, by day and by night.
#include "http/pprof_page.hpp"

namespace gossamer::inline v0::http::pprof {

constinit const std::string_view page_style = R"css(
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --panel: #fff; --line: #dde1e7; --text: #1c2128; --soft: #5d6773; --link: #0b62c4;
  --waiting: #3f7fd6; --runnable: #c98a00; --running: #2b9a58; --syscall: #8456cf; --bad: #c62f2f; --warn: #b85c00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --panel: #1c2026; --line: #333a44; --text: #e4e8ee; --soft: #97a2b0; --link: #6cb0ff;
    --waiting: #6ea5f0; --runnable: #e3ae34; --running: #4cc27d; --syscall: #ac86ef; --bad: #ff7b72; --warn: #f0a04b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
header, main { max-width: 100rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.25rem; padding-top: 1rem; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
.soft, small { color: var(--soft); }
nav { margin-left: auto; display: flex; gap: 1rem; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1rem;
  margin: .9rem 0; }
.top { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; align-items: stretch; }
.tiles { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem; margin: 0; padding: 0; list-style: none; }
.tiles li { min-width: 6.4rem; padding: .45rem .75rem; border-radius: 6px; background: var(--ground);
  border-left: 4px solid var(--soft); }
.tiles b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles .waiting { border-color: var(--waiting); } .tiles .runnable { border-color: var(--runnable); }
.tiles .running { border-color: var(--running); } .tiles .syscall { border-color: var(--syscall); }
#history { flex: 1 1 22rem; min-width: 14rem; margin: 0; }
#history svg { display: block; width: 100%; height: 84px; background: var(--ground); border-radius: 6px; }
#history figcaption { display: flex; justify-content: space-between; color: var(--soft); font-size: .8rem; }
polygon.waiting { fill: var(--waiting); } polygon.runnable { fill: var(--runnable); }
polygon.running { fill: var(--running); } polygon.syscall { fill: var(--syscall); }
form { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: center; margin: 0 0 .7rem; }
input, select, button { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line);
  border-radius: 6px; padding: .3rem .55rem; }
input[type=search] { flex: 1 1 16rem; } input[name=min] { width: 6.5rem; }
button { cursor: pointer; } button:hover { border-color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; white-space: nowrap; border-top: 0; }
th a[aria-current] { color: var(--text); } th a[aria-current]::after { content: " \25BE"; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
tr:target td { background: color-mix(in srgb, var(--runnable) 18%, transparent); }
.state { white-space: nowrap; }
.state::before { content: ""; display: inline-block; width: .6rem; height: .6rem; border-radius: 50%;
  margin-right: .4rem; background: var(--waiting); }
.state.runnable::before { background: var(--runnable); } .state.running::before { background: var(--running); }
.state.syscall::before { background: var(--syscall); }
.chip { display: inline-block; background: var(--ground); border: 1px solid var(--line); border-radius: 10px;
  padding: 0 .5rem; margin: 0 .25rem .15rem 0; font-size: .8rem; }
.verdict { font-weight: 600; } .proven, .likely { color: var(--bad); } .suspected { color: var(--warn); }
code, pre { font: 12.5px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: .4rem 0 0; white-space: pre-wrap; }
summary { cursor: pointer; }
.group { display: flex; gap: .9rem; border-top: 1px solid var(--line); padding: .45rem 0; }
.group > b { min-width: 2.5rem; text-align: right; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.group > div { flex: 1; min-width: 0; }
.group:first-of-type { border-top: 0; }
#news[data-trouble] { color: var(--bad); font-weight: 600; }
@media (max-width: 48rem) { nav { margin-left: 0; } .minor { display: none; } }
)css";

}  // namespace gossamer::inline v0::http::pprof
