// report_style.c — the head of a report's page: titles and styles. No scripts, no fonts from elsewhere.
#include "apps/cli/report/report_page.h"

#include "pipeline/base/version.h"

static const char *const style =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1c1d20;--soft:#5a5f68;--line:#80858e;--rule:#d8dbe0;"
    "--heat:0,114,178;--s1:#0072b2;--s2:#d55e00;--s3:#009e73;--s4:#cc79a7;--s5:#e69f00;--s6:#56b4e9;--s7:#1c1d20}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#16181c;--ink:#e4e5e8;--soft:#a2a7b0;--line:#868b95;"
    "--rule:#363a42;--heat:86,180,233;--s1:#56b4e9;--s2:#f07f2e;--s3:#1fb98c;--s4:#d68fb5;--s5:#e69f00;--s6:#f0e442;"
    "--s7:#e4e5e8}}\n"
    "*{box-sizing:border-box}\n"
    "html{background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
    "body{margin:0;font:1.0625rem/1.55 Charter,'Bitstream Charter','Sitka Text',Cambria,Georgia,serif}\n"
    "main{max-width:44rem;margin:0 auto;padding:3rem 1.25rem 4rem}\n"
    "h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem;font-weight:600;overflow-wrap:anywhere}\n"
    "h2{font-size:1.25rem;line-height:1.3;margin:3rem 0 .5rem;padding-top:.75rem;border-top:1px solid var(--rule);"
    "font-weight:600}\n"
    "h3{font-size:1.0625rem;margin:2rem 0 .25rem;font-weight:600}\n"
    "p,ul{margin:.6rem 0}ul{padding-left:1.25rem}p.what{color:var(--soft);margin:0 0 1.75rem;overflow-wrap:anywhere}\n"
    ".answer p{font-size:1.1875rem;line-height:1.5}.answer p.note{font-size:1.0625rem}\n"
    ".warn{border-left:3px solid var(--s2);padding-left:.9rem}\n"
    ".note,figcaption,caption,summary{color:var(--soft)}\n"
    "code{font:.875em/1.4 ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace;overflow-wrap:anywhere}\n"
    "table,figure,figcaption,caption,summary,dl{font-family:system-ui,'Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans',"
    "Arial,sans-serif;font-size:.875rem;line-height:1.4}\n"
    ".box{overflow-x:auto;margin:1.25rem 0}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums lining-nums;min-width:50%}\n"
    "caption{caption-side:top;text-align:left;padding:0 0 .4rem}caption span{"
    "display:inline-block;position:sticky;left:0;max-width:min(44rem,100vw - 2.5rem)}\n"
    "th,td{padding:.28rem .7rem;text-align:right;white-space:nowrap;vertical-align:baseline}\n"
    "th:first-child,td:first-child{padding-left:0}tr:hover td,tr:hover th{background-color:rgba(128,128,128,.09)}\n"
    "thead th{border-bottom:1px solid var(--line);font-weight:600;vertical-align:bottom}\n"
    "tbody tr{border-bottom:1px solid var(--rule)}tbody th{font-weight:400}\n"
    "th.t,td.t{text-align:left}\n"
    "td.h{padding-left:.6rem;padding-right:.6rem}"
    "td.h,tr:hover td.h{background-color:rgba(var(--heat),calc(var(--h)*.55));border-left:1px solid var(--paper)}\n"
    "figure{margin:1.5rem 0}figcaption{margin-top:.35rem}\n"
    "svg{display:block;width:100%;height:auto;overflow:visible;font-family:system-ui,'Segoe UI',Roboto,'DejaVu Sans',"
    "Arial,sans-serif}\n"
    "summary{cursor:pointer;margin:.75rem 0}dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;"
    "margin:1rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
    ":focus-visible{outline:2px solid var(--s1);outline-offset:2px}\n"
    "@media (min-width:60rem){figure{margin-left:-2.5rem;margin-right:-2.5rem}"
    "figcaption{margin-left:2.5rem;margin-right:2.5rem}"
    ".box{width:max-content;min-width:100%;max-width:min(50vw + 19rem,58rem)}}\n"
    "@media (max-width:30rem){main{padding:1.5rem 1rem 3rem}th,td{padding:.28rem .45rem}h1{font-size:1.45rem}"
    "svg text{font-size:17px}caption span{max-width:calc(100vw - 2rem)}"
    ".answer p{font-size:1.0625rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}\n"
    "@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--line:#777;--rule:#ccc;"
    "--heat:0,114,178;--s1:#0072b2;--s2:#d55e00;--s3:#009e73;--s4:#cc79a7;--s5:#e69f00;--s6:#56b4e9;--s7:#000}\n"
    "body{font-size:10.5pt}main{max-width:none;padding:0}.answer p{font-size:12pt}"
    "figure{margin:1rem 0;max-width:14cm}\n"
    "figure,tr,.warn{break-inside:avoid}h1,h2,h3,caption{break-after:avoid}thead{display:table-header-group}\n"
    ".box{overflow:visible;width:auto}table{font-size:8.5pt}th,td{padding:.15rem .4rem}\n"
    "td.h{-webkit-print-color-adjust:exact;print-color-adjust:exact}tr:hover td,tr:hover th{background:none}}\n";

void report_head_write(FILE *f, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
          "<meta name=\"generator\" content=\"pare ", f);
    html_text(f, pipeline_version);
    html_print(f, "\">\n<title>%s</title>\n<style>\n", title);
    fputs(style, f);
    fputs("</style>\n</head>\n<body>\n<main>\n", f);
}
