import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.FSDirectory;

/**
 * Indexes and searches a corpus with Lucene, on one thread, and prints one JSON object: what "ragcluster bench retrieval"
 * measures of RagCluster. Arguments: corpus (JSON lines with "id", "title", "text"), queries (JSON lines with "text"; only
 * those with "complete": true where there are such), a folder for the index, how many documents, seconds of searching.
 */
public final class LuceneBench {
    public static void main(String[] args) throws Exception {
        Path corpus = Paths.get(args[0]);
        Path queryFile = Paths.get(args[1]);
        Path folder = Paths.get(args[2]);
        int most = Integer.parseInt(args[3]);
        double seconds = Double.parseDouble(args[4]);
        List<String[]> documents = new ArrayList<>();
        try (BufferedReader reader = Files.newBufferedReader(corpus, StandardCharsets.UTF_8)) {
            for (String line; (line = reader.readLine()) != null && documents.size() < most;) {
                documents.add(new String[] {value(line, "id"), value(line, "title"), value(line, "text")});
            }
        }

        List<String> queries = queries(queryFile);
        EnglishAnalyzer analyzer = new EnglishAnalyzer();
        BM25Similarity similarity = new BM25Similarity(1.2f, 0.75f);
        double best = 0;
        int rounds = documents.size() < 20_000 ? 5 : 1;
        for (int round = 0; round < rounds; round++) {
            delete(folder);
            long start = System.nanoTime();
            try (FSDirectory directory = FSDirectory.open(folder)) {
                IndexWriterConfig config = new IndexWriterConfig(analyzer).setSimilarity(similarity);
                config.setRAMBufferSizeMB(256);
                config.setMergeScheduler(new org.apache.lucene.index.SerialMergeScheduler());
                try (IndexWriter writer = new IndexWriter(directory, config)) {
                    for (String[] source : documents) {
                        Document document = new Document();
                        document.add(new StringField("id", source[0], Field.Store.YES));
                        document.add(new TextField("text", source[1].isEmpty() ? source[2] : source[1] + "\n" + source[2], Field.Store.NO));
                        writer.addDocument(document);
                    }

                    writer.commit();
                }
            }

            best = Math.max(best, documents.size() / ((System.nanoTime() - start) / 1e9));
        }

        long bytes = size(folder);
        try (FSDirectory directory = FSDirectory.open(folder)) {
            try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(analyzer).setSimilarity(similarity))) {
                writer.forceMerge(1);
            }

            try (DirectoryReader reader = DirectoryReader.open(directory)) {
                IndexSearcher searcher = new IndexSearcher(reader);
                searcher.setSimilarity(similarity);
                searcher.setQueryCache(null);
                double warm = Math.min(seconds, 5);
                search(searcher, analyzer, queries, warm);
                double[] times = search(searcher, analyzer, queries, seconds);
                double sum = 0;
                for (double time : times) {
                    sum += time;
                }

                Arrays.sort(times);
                System.out.printf(
                    Locale.ROOT,
                    "{\"peer\":\"lucene %s\",\"documents\":%d,\"documentsPerSecond\":%.0f,\"indexMB\":%.1f,\"mergedIndexMB\":%.1f,\"queriesPerSecond\":%.0f,\"p50Ms\":%.4f,\"p99Ms\":%.4f}%n",
                    org.apache.lucene.util.Version.LATEST,
                    documents.size(),
                    best,
                    bytes / 1e6,
                    size(folder) / 1e6,
                    times.length / sum * 1000,
                    times[times.length / 2],
                    times[(int) (times.length * 0.99)]);
            }
        }
    }

    /** The times of single searches, in ms, of whole rounds over the queries. */
    private static double[] search(IndexSearcher searcher, EnglishAnalyzer analyzer, List<String> queries, double seconds) throws Exception {
        double[] times = new double[1 << 20];
        int count = 0;
        long end = System.nanoTime() + (long) (seconds * 1e9);
        double sum = 0;
        do {
            for (String query : queries) {
                long start = System.nanoTime();
                BooleanQuery.Builder builder = new BooleanQuery.Builder();
                try (org.apache.lucene.analysis.TokenStream tokens = analyzer.tokenStream("text", query)) {
                    org.apache.lucene.analysis.tokenattributes.CharTermAttribute term =
                        tokens.addAttribute(org.apache.lucene.analysis.tokenattributes.CharTermAttribute.class);
                    tokens.reset();
                    while (tokens.incrementToken()) {
                        builder.add(new TermQuery(new Term("text", term.toString())), BooleanClause.Occur.SHOULD);
                    }

                    tokens.end();
                }

                for (ScoreDoc hit : searcher.search(builder.build(), 10).scoreDocs) {
                    sum += searcher.doc(hit.doc).get("id").length() + hit.score;
                }

                times[count++ & (times.length - 1)] = (System.nanoTime() - start) / 1e6;
            }
        } while (System.nanoTime() < end);
        if (sum < 0) {
            throw new IllegalStateException();
        }

        return Arrays.copyOf(times, Math.min(count, times.length));
    }

    private static List<String> queries(Path file) throws Exception {
        List<String> all = new ArrayList<>();
        List<String> complete = new ArrayList<>();
        for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
            all.add(value(line, "text"));
            if (line.replace(" ", "").contains("\"complete\":true")) {
                complete.add(value(line, "text"));
            }
        }

        return complete.isEmpty() ? all : complete;
    }

    /** A string property of a flat JSON object; empty where it is not there. */
    private static String value(String line, String name) {
        int at = line.indexOf("\"" + name + "\"");
        if (at < 0) {
            return "";
        }

        at = line.indexOf('"', line.indexOf(':', at + name.length() + 2));
        StringBuilder text = new StringBuilder();
        for (at++; line.charAt(at) != '"'; at++) {
            char c = line.charAt(at);
            if (c != '\\') {
                text.append(c);
                continue;
            }

            c = line.charAt(++at);
            switch (c) {
                case 'n': text.append('\n'); break;
                case 't': text.append('\t'); break;
                case 'r': text.append('\r'); break;
                case 'b': text.append('\b'); break;
                case 'f': text.append('\f'); break;
                case 'u': text.append((char) Integer.parseInt(line.substring(at + 1, at + 5), 16)); at += 4; break;
                default: text.append(c);
            }
        }

        return text.toString();
    }

    private static long size(Path folder) throws Exception {
        long size = 0;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                size += Files.size(file);
            }
        }

        return size;
    }

    private static void delete(Path folder) throws Exception {
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
                for (Path file : files) {
                    Files.delete(file);
                }
            }
        }
    }
}
