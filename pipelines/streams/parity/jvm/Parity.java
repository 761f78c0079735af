import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindowedKStream;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.ValueJoiner;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.test.TestRecord;

/**
 * Runs scenarios through Kafka Streams' TopologyTestDriver: one JSON object a line on standard input, one a line on standard
 * output, `{name, outputs: [{after, key, value, timestampMs}], dropped}`. Values are joined as text, so that the order in which
 * they were folded shows. The scenarios' shape is in scenario.ts.
 */
public class Parity {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Serde<String> TEXT = Serdes.String();

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode scenario = JSON.readTree(line);
      try {
        out.println(JSON.writeValueAsString(run(scenario)));
      } catch (Exception error) {
        throw new IllegalStateException("scenario " + scenario.get("name").asText(), error);
      }
    }
  }

  private static ObjectNode run(JsonNode scenario) {
    StreamsBuilder builder = new StreamsBuilder();
    build(builder, scenario.get("operator"));
    ObjectNode result = JSON.createObjectNode();
    result.set("name", scenario.get("name"));
    ArrayNode outputs = result.putArray("outputs");
    try (TopologyTestDriver driver = new TopologyTestDriver(builder.build(), properties(), Instant.ofEpochMilli(0))) {
      Map<String, TestInputTopic<String, String>> topics = new HashMap<>();
      TestOutputTopic<String, String> output =
          driver.createOutputTopic("out", new StringDeserializer(), new StringDeserializer());
      int index = 0;
      for (JsonNode record : scenario.get("records")) {
        String topic = record.get("topic").asText();
        topics
            .computeIfAbsent(topic, name -> driver.createInputTopic(name, new StringSerializer(), new StringSerializer()))
            .pipeInput(text(record, "key"), text(record, "value"), record.get("timestampMs").asLong());
        for (TestRecord<String, String> each : output.readRecordsToList()) {
          ObjectNode node = outputs.addObject();
          node.put("after", index);
          node.put("key", each.key());
          node.put("value", each.value());
          node.put("timestampMs", each.timestamp());
        }
        index += 1;
      }
      double dropped =
          driver.metrics().entrySet().stream()
              .filter(entry -> entry.getKey().name().equals("dropped-records-total"))
              .mapToDouble(entry -> (Double) entry.getValue().metricValue())
              .sum();
      result.put("dropped", (long) dropped);
    }
    return result;
  }

  private static Properties properties() {
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "parity");
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
    properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    properties.put(
        StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
        BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
    // Results of closed windows and of unmatched joins at once, not a second of wall clock later.
    properties.put("__emit.interval.ms.kstreams.windowed.aggregation__", 0L);
    properties.put("__emit.interval.ms.kstreams.outer.join.spurious.results.fix__", 0L);
    return properties;
  }

  private static void build(StreamsBuilder builder, JsonNode op) {
    switch (op.get("kind").asText()) {
      case "aggregate" -> write(grouped(builder).aggregate(() -> "", (k, v, a) -> a + v).toStream());
      case "count" -> write(grouped(builder).count().mapValues(String::valueOf).toStream());
      case "reduce" -> write(grouped(builder).reduce((a, v) -> a + v).toStream());
      case "count-by-value" ->
          write(
              builder.<String, String>stream("in")
                  .groupBy((k, v) -> v, Grouped.with(TEXT, TEXT))
                  .count()
                  .mapValues(String::valueOf)
                  .toStream());
      case "windowed" -> windowed(builder, op);
      case "sessions" -> sessions(builder, op);
      case "suppress-time" -> suppressTime(builder, op);
      case "join-streams" -> joinStreams(builder, op);
      case "join-stream-table" -> joinStreamTable(builder, op);
      case "join-stream-versioned" -> joinVersioned(builder, op);
      case "join-stream-global" -> joinGlobal(builder, op);
      case "join-tables" -> joinTables(builder, op);
      case "join-foreign-key" -> joinForeignKey(builder, op);
      case "table" -> write(builder.<String, String>table("in").toStream());
      case "to-table" -> write(builder.<String, String>stream("in").toTable().toStream());
      case "filter-table" ->
          write(builder.<String, String>table("in").filter((k, v) -> v.compareTo("m") < 0).toStream());
      case "map-table" -> write(builder.<String, String>table("in").mapValues(v -> v + "!").toStream());
      case "group-table" -> groupTable(builder);
      default -> throw new IllegalArgumentException("unknown kind " + op);
    }
  }

  private static KGroupedStream<String, String> grouped(StreamsBuilder builder) {
    return builder.<String, String>stream("in").groupByKey(Grouped.with(TEXT, TEXT));
  }

  private static void windowed(StreamsBuilder builder, JsonNode op) {
    Duration grace = ms(op, "graceMs");
    KGroupedStream<String, String> grouped = grouped(builder);
    TimeWindowedKStream<String, String> windows =
        switch (op.get("windows").asText()) {
          case "tumbling" -> grouped.windowedBy(TimeWindows.ofSizeAndGrace(ms(op, "sizeMs"), grace));
          case "hopping" ->
              grouped.windowedBy(TimeWindows.ofSizeAndGrace(ms(op, "sizeMs"), grace).advanceBy(ms(op, "advanceMs")));
          case "sliding" ->
              grouped.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(ms(op, "differenceMs"), grace));
          default -> throw new IllegalArgumentException("unknown windows " + op);
        };
    boolean isFinal = op.get("emit").asText().equals("final");
    if (isFinal) windows = windows.emitStrategy(EmitStrategy.onWindowClose());
    KTable<Windowed<String>, String> table = windows.aggregate(() -> "", (k, v, a) -> a + v, kept(LONG));
    if (op.get("emit").asText().equals("suppressed"))
      table = table.suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()));
    writeWindowed(table);
  }

  private static void sessions(StreamsBuilder builder, JsonNode op) {
    var windows =
        grouped(builder).windowedBy(SessionWindows.ofInactivityGapAndGrace(ms(op, "gapMs"), ms(op, "graceMs")));
    boolean isFinal = op.get("emit").asText().equals("final");
    if (isFinal) windows = windows.emitStrategy(EmitStrategy.onWindowClose());
    // To the millisecond: by itself it counts a record as dropped whose session it forwards.
    Duration open = ms(op, "gapMs").plus(ms(op, "graceMs")).plusMillis(1);
    KTable<Windowed<String>, String> table = windows.aggregate(() -> "", (k, v, a) -> a + v, (k, a, b) -> a + b, kept(isFinal ? LONG : open));
    if (op.get("emit").asText().equals("suppressed"))
      table = table.suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()));
    writeWindowed(table);
  }

  private static void suppressTime(StreamsBuilder builder, JsonNode op) {
    var buffer = Suppressed.BufferConfig.maxRecords(op.get("maxRecords").asLong()).emitEarlyWhenFull();
    write(
        grouped(builder)
            .aggregate(() -> "", (k, v, a) -> a + v, Materialized.with(TEXT, TEXT))
            .suppress(Suppressed.untilTimeLimit(ms(op, "timeLimitMs"), buffer))
            .toStream());
  }

  private static void joinStreams(StreamsBuilder builder, JsonNode op) {
    KStream<String, String> left = builder.stream("left");
    KStream<String, String> right = builder.stream("right");
    JoinWindows windows =
        JoinWindows.ofTimeDifferenceAndGrace(Duration.ZERO, ms(op, "graceMs"))
            .before(ms(op, "beforeMs"))
            .after(ms(op, "afterMs"));
    StreamJoined<String, String, String> with = StreamJoined.with(TEXT, TEXT, TEXT);
    write(
        switch (op.get("join").asText()) {
          case "inner" -> left.join(right, JOIN, windows, with);
          case "left" -> left.leftJoin(right, JOIN, windows, with);
          case "outer" -> left.outerJoin(right, JOIN, windows, with);
          default -> throw new IllegalArgumentException("unknown join " + op);
        });
  }

  private static void joinStreamTable(StreamsBuilder builder, JsonNode op) {
    KStream<String, String> left = builder.stream("left");
    KTable<String, String> right = builder.table("right");
    write(isInner(op) ? left.join(right, JOIN) : left.leftJoin(right, JOIN));
  }

  private static void joinVersioned(StreamsBuilder builder, JsonNode op) {
    KStream<String, String> left = builder.stream("left");
    KTable<String, String> right =
        builder.table(
            "right",
            Consumed.with(TEXT, TEXT),
            Materialized.<String, String>as(
                    Stores.persistentVersionedKeyValueStore("versions", ms(op, "historyMs")))
                .withKeySerde(TEXT)
                .withValueSerde(TEXT));
    Joined<String, String, String> with = Joined.with(TEXT, TEXT, TEXT);
    if (op.has("graceMs")) with = with.withGracePeriod(ms(op, "graceMs"));
    write(isInner(op) ? left.join(right, JOIN, with) : left.leftJoin(right, JOIN, with));
  }

  private static void joinGlobal(StreamsBuilder builder, JsonNode op) {
    KStream<String, String> left = builder.stream("left");
    GlobalKTable<String, String> right = builder.globalTable("right");
    write(isInner(op) ? left.join(right, (k, v) -> v, JOIN) : left.leftJoin(right, (k, v) -> v, JOIN));
  }

  private static void joinTables(StreamsBuilder builder, JsonNode op) {
    KTable<String, String> left = builder.table("left");
    KTable<String, String> right = builder.table("right");
    write(
        (switch (op.get("join").asText()) {
              case "inner" -> left.join(right, JOIN);
              case "left" -> left.leftJoin(right, JOIN);
              case "outer" -> left.outerJoin(right, JOIN);
              default -> throw new IllegalArgumentException("unknown join " + op);
            })
            .toStream());
  }

  private static void joinForeignKey(StreamsBuilder builder, JsonNode op) {
    KTable<String, String> left = builder.table("left");
    KTable<String, String> right = builder.table("right");
    // The foreign key is the value's first letter; none where the value begins with a dash.
    java.util.function.Function<String, String> key = v -> v.startsWith("-") ? null : v.substring(0, 1);
    write((isInner(op) ? left.join(right, key, JOIN) : left.leftJoin(right, key, JOIN)).toStream());
  }

  private static void groupTable(StreamsBuilder builder) {
    write(
        builder.<String, String>table("in")
            .groupBy((k, v) -> KeyValue.pair(v.substring(0, 1), v), Grouped.with(TEXT, TEXT))
            .aggregate(() -> "", (k, v, a) -> a + "+" + v, (k, v, a) -> a + "-" + v)
            .toStream());
  }

  private static final ValueJoiner<String, String, String> JOIN = (left, right) -> left + "|" + right;

  /** For longer than any scenario lasts: in memory, Kafka Streams gives up windows that it has not emitted yet. */
  private static final Duration LONG = Duration.ofSeconds(10);

  private static <S extends StateStore> Materialized<String, String, S> kept(Duration retention) {
    return Materialized.<String, String, S>with(TEXT, TEXT).withRetention(retention);
  }

  private static boolean isInner(JsonNode op) {
    return op.get("join").asText().equals("inner");
  }

  private static void write(KStream<String, String> stream) {
    stream.to("out", Produced.with(TEXT, TEXT));
  }

  private static void writeWindowed(KTable<Windowed<String>, String> table) {
    write(
        table.toStream(
            (windowed, value) -> windowed.key() + "@" + windowed.window().start() + "/" + windowed.window().end()));
  }

  private static Duration ms(JsonNode op, String field) {
    return Duration.ofMillis(op.get(field).asLong());
  }

  private static String text(JsonNode record, String field) {
    return record.get(field).isNull() ? null : record.get(field).asText();
  }
}
