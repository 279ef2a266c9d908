import java.net.InetSocketAddress;

/** What the servers have in common. */
final class Task {
    private Task() {}

    /** Says where the server is, for the one who started it. */
    static void announce(int port) {
        System.out.println("127.0.0.1:" + port);
    }

    static InetSocketAddress address() {
        return new InetSocketAddress("127.0.0.1", 0);
    }

    /**
     * With the argument {@code gc} memory is given back soon, so that what is seen
     * of it is what connections hold, and no garbage.
     */
    static void collectGarbage(String[] arguments) {
        if (arguments.length < 2 || !arguments[1].equals("gc")) return;
        Thread collector = new Thread(() -> {
            while (true) {
                System.gc();
                try {
                    Thread.sleep(300);
                } catch (InterruptedException interrupted) {
                    return;
                }
            }
        });
        collector.setDaemon(true);
        collector.start();
    }
}
