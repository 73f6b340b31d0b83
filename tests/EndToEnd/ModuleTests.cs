namespace RagCluster.EndToEnd;

/// <summary>The page's modules by themselves, in the browser that runs them.</summary>
public sealed class ModuleTests(BrowserFixture fixture) : VisitTest(fixture)
{
    [Fact]
    public Task Numbers_in_an_answer_become_citations_and_nothing_else_does() => VisitAsync(async page =>
    {
        (await page.EvaluateAsync<string>("""
            async () => JSON.stringify((await import('/js/answer.js')).pieces('Yes [1][12]. See [a], [], [1234] and arr[0]'))
            """)).ShouldBe("""["Yes ",1,12,". See [a], [], [1234] and arr",0]""");
        (await page.EvaluateAsync<string>("""
            async () => (await import('/js/answer.js')).closest(
              [{ quote: 'Premiums are due monthly.' }, { quote: 'Cover ends at 80.' }, { quote: '' }], ' Your cover ends when you are 80 ').quote
            """)).ShouldBe("Cover ends at 80.");
    });

    [Fact]
    public Task Sentences_without_a_source_are_marked_and_no_text_is_lost() => VisitAsync(async page =>
    {
        (await page.EvaluateAsync<string>("""
            async () => {
              const { renderAnswer } = await import('/js/answer.js');
              const text = 'Yes [1]. The moon is near.\n\nNo. It is far [2][1].';
              const at = (part) => ({ start: text.indexOf(part), end: text.indexOf(part) + part.length });
              const element = document.createElement('div');
              renderAnswer(element, text, [], () => {}, [at('The moon is near.'), at('No.')]);
              const marks = [...element.querySelectorAll('mark.unsupported')].map((mark) => mark.textContent);
              return [element.children.length, ...marks, element.textContent].join('|');
            }
            """)).ShouldBe("2|The moon is near.|No.|Yes 1. The moon is near.No. It is far 21.");
    });

    /// <summary>Whatever documents make a model write: no link, image, frame or script comes of it, and nothing is fetched.</summary>
    [Fact]
    public Task Of_ten_thousand_hostile_answers_none_makes_an_element_or_a_request() => VisitAsync(async page =>
    {
        (await page.EvaluateAsync<string>("""
            async () => {
              const { renderAnswer } = await import('/js/answer.js');
              const parts = ['<img src=/x onerror=alert(1)>', '![x](https://evil.example/a.png)', '[go](javascript:alert(1))', '<script>alert(1)</script>', '[1]', '[2]', '\n\n', 'plain. ',
                '<a href=//evil.example>x</a>', '<iframe src=//evil.example>', '&lt;b&gt;', 'https://evil.example/', '<svg onload=alert(1)>', '<style>*{background:url(//evil.example)}</style>', '<<<', '[[1]]',
                '<form action=//evil.example>', '\u202e', '<mark>', '<button>'];
              let seed = 20261120;
              const next = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
              const host = document.body.appendChild(document.createElement('div'));
              const before = performance.getEntriesByType('resource').length;
              const citation = { n: 1, title: '<img src=/x>', quote: '<img src=/x>' };
              let rendered = 0;
              for (let i = 0; i < 10000; i++) {
                const text = Array.from({ length: 1 + next(8) }, () => parts[next(parts.length)]).join('');
                const start = next(text.length);
                renderAnswer(host, text, [citation], () => {}, [{ start, end: start + next(text.length - start + 1) }]);
                const foreign = [...host.querySelectorAll('*')].filter((e) => !e.matches('p, button.cite, span.cite, mark.unsupported, .tooltip, .tooltip *'));
                if (foreign.length) return `${text} made ${foreign[0].outerHTML}`;
                rendered += host.children.length;
              }
              const requests = performance.getEntriesByType('resource').length - before;
              host.remove();
              return requests ? `${requests} requests` : rendered > 9000 ? 'nothing' : `only ${rendered} paragraphs`;
            }
            """)).ShouldBe("nothing");
    });

    [Fact]
    public Task Events_are_the_same_wherever_the_stream_is_cut() => VisitAsync(async page =>
    {
        var wrong = await page.EvaluateAsync<string[]>("""
            async () => {
              const { EventParser } = await import('/js/event-stream.js');
              const stream = ': hello\n\nid: 7\nevent: document\ndata: {"a":1}\n\ndata: one\ndata: two\n\r\ndata: three\r\n\r\nid: 9\n\n';
              const read = (...parts) => {
                const parser = new EventParser();
                return JSON.stringify(parts.flatMap((part) => parser.feed(part)));
              };
              const whole = read(stream);
              const expected = JSON.stringify([
                { type: 'document', id: '7', data: '{"a":1}' }, { type: 'message', id: null, data: 'one\ntwo' }, { type: 'message', id: null, data: 'three' },
              ]);
              const wrong = whole === expected ? [] : [whole];
              for (let i = 0; i <= stream.length; i++)
                for (let j = i; j <= stream.length; j++) {
                  const parts = read(stream.slice(0, i), stream.slice(i, j), stream.slice(j));
                  if (parts !== whole) wrong.push(`${i},${j}: ${parts}`);
                }
              return wrong;
            }
            """);
        wrong.ShouldBeEmpty();
    });

    [Fact]
    public Task Highlights_that_do_not_fit_are_left_out_and_no_text_is_lost() => VisitAsync(async page =>
    {
        (await page.EvaluateAsync<string>("""
            async () => {
              const { highlighted } = await import('/js/search.js');
              const text = 'a \u{1F600} premium paid <b>';
              const marks = [{ start: 13, end: 17 }, { start: 5, end: 12 }, { start: 6, end: 14 }, { start: 3, end: 3 }, { start: 18, end: 99 }];
              const parts = highlighted(text, marks);
              return parts.map((part) => (typeof part === 'string' ? part : part.textContent)).join('') === text
                ? parts.filter((part) => typeof part !== 'string').map((part) => part.textContent).join('|')
                : 'text was lost';
            }
            """)).ShouldBe("premium|paid");
    });

    [Fact]
    public Task Every_module_is_fetched_at_once() => VisitAsync(async page =>
    {
        var listed = await page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('link[rel=modulepreload], script')].map((e) => e.getAttribute('href') ?? e.getAttribute('src'))");
        var shipped = typeof(Nodes.Page.PageFiles).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(".js", StringComparison.Ordinal));
        listed.ShouldBe(shipped.Select(name => name["wwwroot/".Length..]), ignoreOrder: true);
    });
}
