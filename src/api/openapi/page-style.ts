/** How the page looks. Colours have a contrast of 4.5 and more (WCAG AA) in both schemes. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1c1f24; --soft: #555c66; --paper: #fff; --panel: #f4f5f7; --line: #d5d9df; --link: #0b57c2; --get: #0b6b3a; --post: #8a4b00; --bad: #a4262c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ec; --soft: #a7aeb8; --paper: #14171b; --panel: #1e2228; --line: #3a414a; --link: #8ab8ff; --get: #6fd59b; --post: #f0b366; --bad: #ff9a9a; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; font: 1rem/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; z-index: 1; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem 1.25rem; border-right: 1px solid var(--line); background: var(--panel); font-size: .85rem; }
nav .title { font-size: 1.1rem; font-weight: 600; margin: 0 0 1rem; } nav .title a { color: inherit; text-decoration: none; }
nav h2 { font-size: .8rem; margin: 1.2rem 0 .3rem; color: var(--soft); }
nav ul { list-style: none; margin: 0; padding: 0; } nav li a { display: block; padding: .2rem 0; text-decoration: none; color: var(--ink); overflow-wrap: anywhere; } nav li a:hover { text-decoration: underline; }
main { padding: 1.5rem clamp(1rem, 4vw, 3rem) 6rem; max-width: 62rem; }
h1 { margin: 0 0 1rem; } main h2 { margin: 3rem 0 .25rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
article { margin: 2rem 0; padding: 1.25rem; border: 1px solid var(--line); border-radius: .5rem; } article:target { border-color: var(--link); }
h3 { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; } h4 { margin: 1.25rem 0 .25rem; font-size: .95rem; }
b.get, b.post { text-transform: uppercase; font-size: .75em; letter-spacing: .04em; } b.get, .good b { color: var(--get); } b.post { color: var(--post); } .bad b { color: var(--bad); }
.summary { font-weight: 600; margin: .5rem 0; } .needs, small { color: var(--soft); } small { font-weight: 400; font-size: .85em; }
code, pre { font-family: ui-monospace, monospace; font-size: .875em; } dd code, p code, small code { background: var(--panel); padding: .05em .3em; border-radius: .25em; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .35rem; padding: .75rem; overflow: auto; margin: .25rem 0 0; }
figure { margin: .75rem 0; } figcaption { font-size: .85rem; color: var(--soft); }
dl { margin: .25rem 0; } dt { margin-top: .4rem; } dd { margin: 0 0 0 1.25rem; } dd dl { border-left: 2px solid var(--line); padding-left: .75rem; }
details { border-top: 1px solid var(--line); padding: .5rem 0; } summary { cursor: pointer; }
@media (max-width: 56rem) { body { display: block; } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); } article { padding: 1rem; } }
`;
