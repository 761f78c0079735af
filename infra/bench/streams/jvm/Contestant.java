import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.DslStoreSuppliers;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;

/** Kafka Streams as a contestant: counts per key and window. Arguments and lines on standard output: ../setup.ts. */
public final class Contestant {
    private static final Serde<String> TEXT = Serdes.String();
    private static final Serde<Long> COUNT = Serdes.Long();
    private static final Duration WINDOW = Duration.ofSeconds(10);
    private static final long CACHE_BYTES = 10L * 1024 * 1024;

    private final Map<String, String> setup = new HashMap<>();
    private final AtomicBoolean began = new AtomicBoolean();

    private Contestant(String[] args) {
        for (String arg : args) {
            int at = arg.indexOf('=');
            setup.put(arg.substring(0, at), arg.substring(at + 1));
        }
    }

    public static void main(String[] args) throws Exception {
        new Contestant(args).run();
    }

    private void run() throws Exception {
        KafkaStreams streams = new KafkaStreams(topology().build(), properties());
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) speak("running");
        });
        streams.start();
        while (System.in.read() >= 0);
        // It leaves the group, unlike its default: the next start must not wait until its session is over.
        streams.close(CloseOptions.timeout(Duration.ofSeconds(15))
            .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    }

    private StreamsBuilder topology() {
        StreamsBuilder builder = new StreamsBuilder();
        KGroupedStream<String, byte[]> records = builder
            .stream(setup.get("input"), Consumed.with(TEXT, Serdes.ByteArray()))
            .peek((key, value) -> {
                if (!began.get() && began.compareAndSet(false, true)) speak("first");
            })
            .groupByKey(Grouped.with(TEXT, Serdes.ByteArray()));
        DslStoreSuppliers stores = setup.get("engine").equals("disk")
            ? BuiltInDslStoreSuppliers.ROCKS_DB
            : BuiltInDslStoreSuppliers.IN_MEMORY;
        if (setup.get("counts").equals("table")) {
            records
                .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts")
                    .withStoreType(stores).withKeySerde(TEXT).withValueSerde(COUNT))
                .toStream()
                .to(setup.get("output"), Produced.with(TEXT, COUNT));
        } else {
            records
                .windowedBy(TimeWindows.ofSizeWithNoGrace(WINDOW))
                .count(Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("counts")
                    .withStoreType(stores).withKeySerde(TEXT).withValueSerde(COUNT))
                .toStream()
                .to(setup.get("output"),
                    Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, WINDOW.toMillis()), COUNT));
        }
        return builder;
    }

    private Properties properties() {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, setup.get("applicationId"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, setup.get("bootstrapServers"));
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, setup.get("stateDir"));
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, setup.get("commitIntervalMs"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
            setup.get("guarantee").equals("exactly-once") ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, setup.get("emit").equals("each") ? 0 : CACHE_BYTES);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 2_000);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 131_072);
        return properties;
    }

    private static synchronized void speak(String event) {
        System.out.println("{\"event\":\"" + event + "\",\"atMs\":" + System.currentTimeMillis() + "}");
        System.out.flush();
    }
}
