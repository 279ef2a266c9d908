import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * What both Java clients share: payloads, the checks that every client can
 * make, and how results are told. See interop/README.md.
 */
final class Checks {
    static final int TIMEOUT_SECONDS = 20;
    static final String UNICODE = "aß水🍣 e\u0301 👩‍👩‍👧 \0\ufffd" + Character.toString(0x10FFFF);
    /** 123 bytes, the most a Close frame takes. */
    static final String REASON = "längster Grund: " + "g".repeat(106);

    private static int failures;

    private Checks() {}

    /** A connection of either library, so that most checks are written once. */
    interface Connection {
        void send(String text) throws Exception;

        void send(byte[] binary) throws Exception;

        void close(int code, String reason) throws Exception;

        String subprotocol();

        Inbox inbox();
    }

    interface Connector {
        Connection open(String url, String... subprotocols) throws Exception;
    }

    interface Body {
        void run() throws Exception;
    }

    /** What was received: messages as String or byte[], an end as its close code or exception. */
    static final class Inbox {
        private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

        void put(Object event) {
            events.add(event);
        }

        Object next() throws Exception {
            Object event = events.poll(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            expect(event != null, "timed out");
            if (event instanceof Throwable failure) {
                throw new Exception(failure);
            }
            return event;
        }

        void expectEcho(Object sent) throws Exception {
            Object received = next();
            if (sent instanceof byte[] bytes) {
                expect(received instanceof byte[], "binary came back as " + describe(received));
                expect(Arrays.equals(bytes, (byte[]) received), "the content differs");
            } else {
                expect(sent.equals(received), "text came back as " + describe(received));
            }
        }

        void expectClose(int code) throws Exception {
            Object received = next();
            expect(received.equals(code), "close code " + code + " came as " + describe(received));
        }
    }

    static String describe(Object event) {
        if (event instanceof byte[] bytes) {
            return bytes.length + " bytes";
        }
        return event instanceof String text ? text.length() + " characters" : "close " + event;
    }

    static void expect(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    static void check(String name, Body body) {
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Exception | AssertionError error) {
            failures++;
            System.out.println("FAIL " + name + ": " + String.valueOf(error).replace("\n", " | "));
        }
    }

    /** Bytes whose value depends on their position, so that a shift or a swap shows. */
    static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 31 + (i >> 8) * 7 + (i >> 16));
        }
        return bytes;
    }

    static void send(Connection connection, Object message) throws Exception {
        if (message instanceof byte[] bytes) {
            connection.send(bytes);
        } else {
            connection.send((String) message);
        }
    }

    /** The checks that need nothing but whole messages and a close code. */
    static void run(Connector connector, String echo, String choosy) {
        echoes(connector, echo, "text", "Hello, stranger");
        echoes(connector, echo, "binary", pattern(256));
        echoes(connector, echo, "empty-text", "");
        echoes(connector, echo, "empty-binary", new byte[0]);
        for (int size : new int[] {125, 126, 127, 65535, 65536}) {
            echoes(connector, echo, "size-" + size, pattern(size));
        }
        echoes(connector, echo, "16-mib", pattern(16 << 20));
        echoes(connector, echo, "unicode", UNICODE.repeat(4000));

        check("pipelined", () -> {
            List<Object> messages = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                messages.add(i % 2 == 1 ? "message " + i + " " + "x".repeat(i * 7) : pattern(i * 11));
            }
            Connection connection = connector.open(echo);
            for (Object message : messages) {
                send(connection, message);
            }
            for (Object message : messages) {
                connection.inbox().expectEcho(message);
            }
            connection.close(1000, "");
        });

        selects(connector, "subprotocol-first-offer", echo, "chat.v9");
        selects(connector, "subprotocol-configured", choosy, "chat.v1");

        closes(connector, echo, "close-1000", 1000, "");
        closes(connector, echo, "close-3000", 3000, REASON);
        closes(connector, echo, "close-4999", 4999, "bye");
    }

    private static void echoes(Connector connector, String url, String name, Object message) {
        check(name, () -> {
            Connection connection = connector.open(url);
            send(connection, message);
            connection.inbox().expectEcho(message);
            connection.close(1000, "");
        });
    }

    private static void selects(Connector connector, String name, String url, String expected) {
        check(name, () -> {
            Connection connection = connector.open(url, "chat.v9", "chat.v1");
            expect(expected.equals(connection.subprotocol()), "selected " + connection.subprotocol());
            connection.close(1000, "");
        });
    }

    private static void closes(Connector connector, String url, String name, int code, String reason) {
        check(name, () -> {
            Connection connection = connector.open(url);
            connection.close(code, reason);
            connection.inbox().expectClose(code);
        });
    }

    /** The last check: the server is shut down while a connection is open. */
    static void goingAway(Connector connector, String url) {
        check("server-going-away-1001", () -> {
            Connection connection = connector.open(url);
            connection.send("still here");
            connection.inbox().expectEcho("still here");
            System.out.println("await shutdown");
            connection.inbox().expectClose(1001);
        });
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static void finish() {
        System.out.flush();
        System.exit(failures == 0 ? 0 : 1);
    }
}
