import type { ResolvedColors } from './colors.js'

/** The stylesheet of the page. Only custom properties differ from one app to the next. */
export function stylesheet({ light, dark }: ResolvedColors): string {
  return `:root{color-scheme:light dark;--bad:#d92d20;--good:#12805c;${properties(light)}}
@media (prefers-color-scheme:dark){:root{--bad:#ff8a80;--good:#5fd0a5;${properties(dark)}}}
${rules}`
}

function properties(palette: ResolvedColors['light']): string {
  return Object.entries(palette)
    .map(([name, color]) => `--${name}:${color}`)
    .join(';')
}

// Sizes are in rem and ch, so that the page grows with the text; sides are logical, for languages
// that are written from right to left.
const rules = `
*{box-sizing:border-box}
[hidden]{display:none!important}
html{font:100%/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;
justify-content:center;gap:1.25rem;padding:1.5rem 1rem;background:var(--background);color:var(--text);overflow-wrap:anywhere;hyphens:auto}
main{inline-size:100%;max-inline-size:25rem;background:var(--surface);border-radius:1rem;padding:2rem;
box-shadow:0 1px 2px rgb(0 0 0/.07),0 8px 32px rgb(0 0 0/.06)}
.brand{display:flex;align-items:center;gap:.6rem;margin:0 0 1.75rem;font-weight:700;letter-spacing:-.01em}
.brand img{display:block;max-block-size:2.5rem;max-inline-size:100%}
.mark{display:grid;place-items:center;inline-size:2rem;block-size:2rem;border-radius:.5rem;flex:none;
background:var(--accent);color:var(--onAccent)}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.02em;text-wrap:balance}
h2{margin:0;font-size:1rem}
p{margin:0 0 1rem}
a{color:inherit;text-underline-offset:.2em}
form{margin:0}
label,legend{display:block;padding:0;font-weight:600}
.hint{margin:0 0 .875rem;color:var(--muted);font-size:.9375rem}
button+.hint{margin:.75rem 0 0}
[data-otp-wait]{text-align:center}
.to{color:var(--text);font-weight:600;white-space:nowrap;unicode-bidi:isolate}
input:not([type=radio]){display:block;inline-size:100%;min-block-size:3rem;padding:.5rem .875rem;margin:.375rem 0 1rem;
font:inherit;font-size:1.125rem;color:inherit;background:var(--surface);border:1px solid var(--line);border-radius:.625rem}
input[dir=ltr]{text-align:start}
.code{font-size:1.75rem!important;font-weight:600;letter-spacing:.25em;text-align:center!important;
font-variant-numeric:tabular-nums;padding-inline-start:1.125rem!important}
[aria-invalid=true]{border:2px solid var(--bad)!important}
fieldset{border:0;margin:0 0 1.25rem;padding:0}
.choices{display:flex;flex-wrap:wrap;gap:.5rem;margin-block-start:.5rem}
.choices label{display:flex;align-items:center;gap:.5rem;flex:1 1 9rem;min-block-size:2.75rem;padding:.375rem .75rem;
border:1px solid var(--line);border-radius:.625rem;font-weight:400;cursor:pointer}
.choices label:has(:checked){border-color:var(--text);box-shadow:inset 0 0 0 1px var(--text)}
input[type=radio]{inline-size:1.125rem;block-size:1.125rem;margin:0;accent-color:var(--accent);flex:none}
button,.button{display:block;inline-size:100%;min-block-size:3rem;padding:.625rem 1rem;font:inherit;font-weight:600;
text-align:center;text-decoration:none;border:1px solid transparent;border-radius:.625rem;cursor:pointer;
background:var(--accent);color:var(--onAccent)}
button:hover,.button:hover{filter:brightness(.94)}
.second{margin-block-start:.5rem;background:transparent;color:var(--text);border-color:var(--line)}
.quiet{display:block;inline-size:fit-content;min-block-size:0;margin:.75rem auto 0;padding:.25rem .5rem;border:0;background:none;
color:var(--text);font-weight:400;text-decoration:underline;text-underline-offset:.2em}
.rest>:first-child>.quiet:first-child{margin-block-start:0}
[aria-disabled=true]{opacity:.55;cursor:default}
:focus-visible{outline:3px solid var(--text);outline-offset:2px}
.rest{margin-block-start:1.5rem;padding-block-start:1.25rem;border-block-start:1px solid color-mix(in srgb,var(--line) 35%,transparent)}
.rest>p{margin:0;text-align:center;color:var(--muted);font-size:.9375rem}
.time{font-variant-numeric:tabular-nums;white-space:nowrap}
.errors,.notice{margin:0 0 1.25rem;padding:.75rem 1rem;border-inline-start:.25rem solid var(--bad);border-radius:.375rem;
background:color-mix(in srgb,var(--bad) 9%,var(--surface))}
.errors ul{margin:.25rem 0 0;padding:0;list-style:none}
.field-error{margin:.375rem 0 0;font-size:.9375rem;font-weight:600;padding-inline-start:.625rem;border-inline-start:.25rem solid var(--bad)}
.notice{border-color:var(--good);background:color-mix(in srgb,var(--good) 9%,var(--surface))}
.notice:empty{display:none}
.notice[data-bad]{border-color:var(--bad);background:color-mix(in srgb,var(--bad) 9%,var(--surface))}
.done{display:grid;place-items:center;inline-size:3rem;block-size:3rem;margin:0 0 1rem;border-radius:50%;
border:2px solid var(--good);font-size:1.5rem;line-height:1}
.hidden{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
footer{max-inline-size:100%;display:flex;flex-wrap:wrap;justify-content:center;gap:.25rem 1.25rem;font-size:.875rem;color:var(--muted)}
footer a{min-inline-size:0;padding:.25rem}
@media (max-width:26rem){body{justify-content:flex-start;padding:.75rem min(.75rem,3vw)}
main{padding:1.5rem min(1.25rem,5vw)}button,.button,.errors,.notice{padding-inline:min(1rem,4vw)}}
@media (forced-colors:active){main,.errors,.notice,.mark,button,.button{border:1px solid}}
@media (prefers-reduced-motion:no-preference){button,.button{transition:filter .15s}}
`
